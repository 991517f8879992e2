#include "base/stop.h"

#include <signal.h>

static volatile sig_atomic_t stopped, checkpoint;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        checkpoint = 1;
    else
        stopped = 1;
}

void stop_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: a blocked read must return */
    sigaction(SIGUSR1, &action, NULL);
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

bool stop_pending(void)
{
    return stopped;
}

int stop_outranks(struct err *e)
{
    if (stopped)
        err_fail(e, STATUS_STOPPED, "stopped by a signal while the input was read (run the same command again)");
    return -1;
}

bool stop_wants_checkpoint(void)
{
    bool wanted = checkpoint;
    checkpoint = 0;
    return wanted;
}
