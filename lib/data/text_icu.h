/* text_icu: what ICU's failures are called, wherever it is asked. */
#ifndef DATA_TEXT_ICU_H
#define DATA_TEXT_ICU_H

#include <unicode/utypes.h>

#include "base/err.h"

static inline int text_icu_failed(UErrorCode code, struct err *e)
{
    return err_fail(e, STATUS_FAILED, "ICU failed: %s (is its data installed?)", u_errorName(code));
}

#endif
