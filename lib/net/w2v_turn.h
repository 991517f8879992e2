/* w2v_turn: turns of training, a few hundred steps in every place of the corpus, by one thread or several.
 *
 * Steps stand in one order over all places: step 0 of place 0, step 0 of place 1, ..., step 1 of place 0, ... One
 * thread takes them in that order. Of several each has places of its own, and before a step waits for those earlier
 * ones elsewhere that share a row with it, so that the model becomes the same, to the last bit. A thread that waits in
 * vain, because the system does not let the other run, asks it to hand over and goes on alone; where that has happened,
 * or two were slower than one, turns are taken alone for a while. Where all steps share rows, one thread learns and
 * another draws. With config->lock_free nobody waits. */
#ifndef NET_W2V_TURN_H
#define NET_W2V_TURN_H

#include <stdatomic.h>

#include "net/w2v_draw.h"

/* One place of the corpus. */
struct w2v_place {
    _Alignas(64) atomic_size_t done; /* steps of this turn */
    _Alignas(64) struct w2v_draw draw;
    struct w2v_chunk chunks[2], *now, *next; /* learned from; drawn, to come */
    int drawn;                               /* -1: drawing failed, draw_error says why */
    struct err draw_error;
    struct w2v_loss loss;
    double sum;     /* of losses, and */
    uint64_t pairs; /* how many, since they were last set to 0 */
};

enum w2v_task_state { W2V_WAITING, W2V_LEARNING, W2V_HANDED_OVER, W2V_LEARNED };

struct w2v_turns {
    struct w2v *w;
    const struct w2v_config *config;
    size_t n_places;
    struct w2v_place *places; /* [n_places] */
    /* private */
    size_t n_tasks;
    struct w2v_task {
        _Alignas(64) atomic_int state; /* enum w2v_task_state */
        struct w2v_learner learner;
    } * tasks;                        /* [n_tasks] */
    bool waiting;                     /* tasks wait for each other */
    bool apart;                       /* one task learns, the other draws */
    bool drawn_only;                  /* of this turn */
    atomic_int alone;                 /* the task that goes on alone, or -1 */
    unsigned solo;                    /* turns to be taken alone, yet */
    unsigned penalty;                 /* and how many when it happens again */
    double pace_alone, pace_together; /* nanoseconds a step takes, of late */
};

/* With at most `threads` tasks; places and draws from `seed`. Everything given is kept. */
void w2v_turns_open(struct w2v_turns *t, struct w2v *w, const struct w2v_config *config,
                    const struct w2v_chances *chances, size_t n_places, size_t threads, struct rng seed);

/* Goes to an epoch's start. */
void w2v_turns_epoch(struct w2v_turns *t, int64_t epoch);

/* Learns from what was drawn, or only passes it when `drawn_only`, and draws what comes next. STATUS_FAILED:
 * reading. */
int w2v_turn(struct w2v_turns *t, bool drawn_only, struct err *e);

/* Has the last turn ended the epoch? */
bool w2v_turns_ended(const struct w2v_turns *t);

void w2v_turns_close(struct w2v_turns *t);

#endif
