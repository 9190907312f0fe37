#include "adapter_request.h"

#include "adapter_files.h"
#include "adapter_status.h"

#include <stdlib.h>

slipway_status *adapter_load_request_unpack(
    const slipway_host *host, slipway_bytes bytes, adapter_load_request **request) {
    adapter_load_request *unpacked = slipway__adapter__v1__load_request__unpack(NULL, bytes.size, bytes.data);
    if (!unpacked) {
        return adapter_status(
            host, SLIPWAY_INVALID_ARGUMENT, "the load request is no slipway.adapter.v1.LoadRequest (%llu bytes)",
            (unsigned long long)bytes.size);
    }
    slipway_status *refusal = NULL;
    if (!*unpacked->folder) {
        refusal = adapter_status(host, SLIPWAY_INVALID_ARGUMENT, "the load request names no folder");
    } else if (!adapter_is_folder(unpacked->folder)) {
        refusal = adapter_status(host, SLIPWAY_NOT_FOUND, "%s is no folder that can be read", unpacked->folder);
    }
    if (refusal) {
        adapter_load_request_free(unpacked);
        return refusal;
    }
    *request = unpacked;
    return NULL;
}

void adapter_load_request_free(adapter_load_request *request) {
    if (request) slipway__adapter__v1__load_request__free_unpacked(request, NULL);
}

slipway_status *adapter_options_unpack(
    const slipway_host *host, slipway_bytes bytes, adapter_options_message **options) {
    adapter_options_message *unpacked = slipway__adapter__v1__adapter_options__unpack(NULL, bytes.size, bytes.data);
    if (!unpacked) {
        return adapter_status(
            host, SLIPWAY_INVALID_ARGUMENT, "the options are no slipway.adapter.v1.AdapterOptions (%llu bytes)",
            (unsigned long long)bytes.size);
    }
    *options = unpacked;
    return NULL;
}

void adapter_options_free(adapter_options_message *options) {
    if (options) slipway__adapter__v1__adapter_options__free_unpacked(options, NULL);
}

slipway_status *adapter_write(const slipway_host *host, slipway_sink *sink, const ProtobufCMessage *message) {
    uint8_t small[512];
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = size <= sizeof small ? small : malloc(size);
    if (!packed) return adapter_out_of_memory(host, message->descriptor->short_name);
    protobuf_c_message_pack(message, packed);
    host->write(host->context, sink, packed, size);
    if (packed != small) free(packed);
    return NULL;
}

/* protobuf-c reads strings through pointers that are not const, and changes none. */
static char *text_or_empty(const char *text) {
    return text ? (char *)text : (char *)protobuf_c_empty_string;
}

slipway_status *adapter_write_recognition(
    const slipway_host *host, slipway_sink *sink, uint32_t certainty, const char *format, const char *file,
    const char *reason) {
    adapter_recognition message = SLIPWAY__ADAPTER__V1__RECOGNITION__INIT;
    message.certainty = certainty;
    message.format = text_or_empty(format);
    message.file = text_or_empty(file);
    message.reason = text_or_empty(reason);
    return adapter_write(host, sink, &message.base);
}

slipway_status *adapter_write_estimate(
    const slipway_host *host, slipway_sink *sink, uint64_t loading_bytes, uint64_t loaded_bytes,
    uint64_t instance_bytes) {
    adapter_memory_estimate message = SLIPWAY__ADAPTER__V1__MEMORY_ESTIMATE__INIT;
    message.loading_bytes = loading_bytes;
    message.loaded_bytes = loaded_bytes;
    message.instance_bytes = instance_bytes;
    return adapter_write(host, sink, &message.base);
}
