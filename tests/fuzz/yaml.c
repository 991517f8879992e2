/* Pipelines: whatever is taken has a plan that can run, and can be shown in every way; whatever is not is
 * complained of. */
#include <stdint.h>
#include <stdlib.h>

#include "../unit/plan_sound.h"
#include "app/pipeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show(const struct pipeline *p, bool tees)
{
    struct err e = {0};
    struct buf out = {0};
    struct plan *plan = plan_make(p, NULL, 0, tees, &e);
    if (!plan || plan_flaw(plan, tees))
        abort();
    plan_text(plan, &out);
    plan_dot(plan, &out);
    if (!tees)
        plan_script(plan, NULL, &out);
    plan_free(plan);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct faults faults = {0};
    struct err e = {0};
    struct pipeline *p = pipeline_parse((const char *)data, size, NULL, 0, &faults, &e);
    if (!p != (faults.n > 0))
        abort();
    if (p) {
        show(p, true);
        show(p, false);
    }
    pipeline_free(p);
    faults_free(&faults);
    return 0;
}
