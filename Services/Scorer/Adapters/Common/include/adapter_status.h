/* Statuses and log lines with printf's formatting. */
#ifndef ADAPTER_STATUS_H
#define ADAPTER_STATUS_H

#include <slipway_adapter.h>

#include <stdarg.h>

/* A status with a formatted text, of any length. Never NULL where the host keeps its promise. */
slipway_status *adapter_status(const slipway_host *host, slipway_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4), returns_nonnull, cold));

slipway_status *adapter_status_with(const slipway_host *host, slipway_code code, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0), cold));

/* RESOURCE_EXHAUSTED: the process has no memory left for `what`. */
slipway_status *adapter_out_of_memory(const slipway_host *host, const char *what) __attribute__((cold));

void adapter_log(const slipway_host *host, slipway_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));

/* A datatype as the dialects spell it, `FP32`; "an unknown datatype" where it is none. */
const char *adapter_datatype_name(slipway_datatype datatype);

/* Bytes of an element; 0 of BYTES and of what is no datatype. */
uint32_t adapter_datatype_size(slipway_datatype datatype);

#endif
