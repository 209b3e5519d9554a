#define PLACER_KERNELS_NAME "avx2"
#define PLACER_KERNELS_VARIABLE kAvx2Kernels
#define PLACER_VECTOR_FLOATS 8
#include "policy/detail/kernels_impl.inc"
