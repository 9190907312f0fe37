#include "adapter_status.h"

#include "adapter_text.h"

#include <string.h>

slipway_status *adapter_status_with(
    const slipway_host *host, slipway_code code, const char *format, va_list arguments) {
    adapter_text text = {0};
    adapter_text_format_with(&text, format, arguments);
    adapter_text_repair(text.bytes, text.size);
    slipway_status *status = host->status(host->context, code, adapter_text_string(&text), text.size);
    adapter_text_free(&text);
    return status;
}

slipway_status *adapter_status(const slipway_host *host, slipway_code code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    slipway_status *status = adapter_status_with(host, code, format, arguments);
    va_end(arguments);
    return status;
}

slipway_status *adapter_out_of_memory(const slipway_host *host, const char *what) {
    return adapter_status(host, SLIPWAY_RESOURCE_EXHAUSTED, "no memory left for %s", what);
}

void adapter_log(const slipway_host *host, slipway_log_level level, const char *format, ...) {
    adapter_text text = {0};
    va_list arguments;
    va_start(arguments, format);
    adapter_text_format_with(&text, format, arguments);
    va_end(arguments);
    adapter_text_repair(text.bytes, text.size);
    host->log(host->context, level, adapter_text_string(&text), text.size);
    adapter_text_free(&text);
}

static const struct {
    const char *name;
    uint32_t size;
} datatypes[] = {
    [SLIPWAY_BOOL] = {"BOOL", 1},     [SLIPWAY_UINT8] = {"UINT8", 1},   [SLIPWAY_UINT16] = {"UINT16", 2},
    [SLIPWAY_UINT32] = {"UINT32", 4}, [SLIPWAY_UINT64] = {"UINT64", 8}, [SLIPWAY_INT8] = {"INT8", 1},
    [SLIPWAY_INT16] = {"INT16", 2},   [SLIPWAY_INT32] = {"INT32", 4},   [SLIPWAY_INT64] = {"INT64", 8},
    [SLIPWAY_FP16] = {"FP16", 2},     [SLIPWAY_FP32] = {"FP32", 4},     [SLIPWAY_FP64] = {"FP64", 8},
    [SLIPWAY_BYTES] = {"BYTES", 0},   [SLIPWAY_BF16] = {"BF16", 2},
};

static bool is_datatype(slipway_datatype datatype) {
    return datatype > 0 && (size_t)datatype < sizeof datatypes / sizeof *datatypes;
}

const char *adapter_datatype_name(slipway_datatype datatype) {
    return is_datatype(datatype) ? datatypes[datatype].name : "an unknown datatype";
}

uint32_t adapter_datatype_size(slipway_datatype datatype) {
    return is_datatype(datatype) ? datatypes[datatype].size : 0;
}
