/* Messages of the contract, in and out. */
#ifndef ADAPTER_REQUEST_H
#define ADAPTER_REQUEST_H

#include <adapter.pb-c.h>
#include <slipway_adapter.h>

/* Shorter names for what protoc-c calls Slipway__Adapter__V1__…. */
typedef Slipway__Adapter__V1__AdapterOptions adapter_options_message;
typedef Slipway__Adapter__V1__LoadRequest adapter_load_request;
typedef Slipway__Adapter__V1__Recognition adapter_recognition;
typedef Slipway__Adapter__V1__MemoryEstimate adapter_memory_estimate;
typedef Slipway__Adapter__V1__InstanceOptions adapter_instance_options;
typedef Slipway__Adapter__V1__ExecutionContext adapter_execution_context;

/* Unpacks a LoadRequest; the caller releases it with adapter_load_request_free. Refuses what is no such message, one
 * without a folder, and a folder that is not there. Strings of it are never NULL. */
slipway_status *adapter_load_request_unpack(
    const slipway_host *host, slipway_bytes bytes, adapter_load_request **request);
void adapter_load_request_free(adapter_load_request *request);

/* Unpacks AdapterOptions; likewise. */
slipway_status *adapter_options_unpack(
    const slipway_host *host, slipway_bytes bytes, adapter_options_message **options);
void adapter_options_free(adapter_options_message *options);

/* Packs a message into a sink. */
slipway_status *adapter_write(const slipway_host *host, slipway_sink *sink, const ProtobufCMessage *message);

/* Writes a Recognition. The strings may be NULL. */
slipway_status *adapter_write_recognition(
    const slipway_host *host, slipway_sink *sink, uint32_t certainty, const char *format, const char *file,
    const char *reason);

/* Writes a MemoryEstimate. */
slipway_status *adapter_write_estimate(
    const slipway_host *host, slipway_sink *sink, uint64_t loading_bytes, uint64_t loaded_bytes,
    uint64_t instance_bytes);

#endif
