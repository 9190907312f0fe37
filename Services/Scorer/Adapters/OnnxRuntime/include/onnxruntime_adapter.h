/* The adapter of ONNX Runtime. It exports nothing but the entry that slipway_adapter.h declares. */
#ifndef ONNXRUNTIME_ADAPTER_H
#define ONNXRUNTIME_ADAPTER_H

#include <slipway_adapter.h>

#endif
