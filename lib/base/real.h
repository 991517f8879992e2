/* real: the number that nets compute in. float, or double in the `grad` build, where every derivative is checked by
 * central differences. Streams written by either build say which in their dtype. */
#ifndef BASE_REAL_H
#define BASE_REAL_H

#ifdef RUNNEL_DOUBLE
typedef double real;
#define REAL_DTYPE DTYPE_F64
#else
typedef float real;
#define REAL_DTYPE DTYPE_F32
#endif

#endif
