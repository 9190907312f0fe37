/* The adapter of Python. It exports nothing but the entry that slipway_adapter.h declares. */
#ifndef PYTHON_ADAPTER_H
#define PYTHON_ADAPTER_H

#include <slipway_adapter.h>

#endif
