#include "Adapter.h"

static const slipway_datatype datatypes[] = {
    [ORT_FLOAT] = SLIPWAY_FP32, [ORT_UINT8] = SLIPWAY_UINT8, [ORT_INT8] = SLIPWAY_INT8, [ORT_UINT16] = SLIPWAY_UINT16,
    [ORT_INT16] = SLIPWAY_INT16, [ORT_INT32] = SLIPWAY_INT32, [ORT_INT64] = SLIPWAY_INT64,
    [ORT_STRING] = SLIPWAY_BYTES, [ORT_BOOL] = SLIPWAY_BOOL, [ORT_FLOAT16] = SLIPWAY_FP16,
    [ORT_DOUBLE] = SLIPWAY_FP64, [ORT_UINT32] = SLIPWAY_UINT32, [ORT_UINT64] = SLIPWAY_UINT64,
    [ORT_BFLOAT16] = SLIPWAY_BF16,
};

/* As ONNX spells them; those that have no equal here are named in errors. */
static const char *const names[] = {
    "undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "double",
    "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
    "float8e5m2fnuz", "uint4", "int4", "float4e2m1", "uint2", "int2",
};

slipway_datatype datatype_of_element(int element) {
    if (element < 0 || (size_t)element >= sizeof datatypes / sizeof *datatypes) return 0;
    return datatypes[element];
}

const char *element_name(int element) {
    if (element < 0 || (size_t)element >= sizeof names / sizeof *names) return "an unknown type";
    return names[element];
}
