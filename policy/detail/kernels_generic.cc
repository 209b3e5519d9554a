#define PLACER_KERNELS_NAME "generic"
#define PLACER_KERNELS_VARIABLE kGenericKernels
#define PLACER_VECTOR_FLOATS 4
#include "policy/detail/kernels_impl.inc"
