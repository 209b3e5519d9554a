#define PLACER_KERNELS_NAME "avx512"
#define PLACER_KERNELS_VARIABLE kAvx512Kernels
#define PLACER_VECTOR_FLOATS 16
#include "policy/detail/kernels_impl.inc"
