// Compiles the contract's static asserts with the package.
#include "slipway_adapter.h"
