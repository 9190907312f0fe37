#include "Adapter.h"

static const trees_framework framework = {
    .name = "lightgbm",
    .framework = "LightGBM",
    .model = "a LightGBM model",
    .absence = "no text that begins with `tree` and a version",
    .formats = (const char *const[]){"lightgbm-text", NULL},
    .options = lightgbm_options,
    .judge = lightgbm_judge,
    /* The text, and what the library and we make of it. */
    .loading_factor = 4,
    .path = lightgbm_path,
    .load = lightgbm_load,
};

static slipway_status *open_adapter(const slipway_host *host, slipway_bytes options, slipway_adapter_state **state) {
    return trees_adapter_open(&framework, host, options, state);
}

static slipway_status *describe_model(slipway_model *model, slipway_sink *sink) {
    return adapter_description_write(model->host, sink, &model->description);
}

static const slipway_adapter adapter = {
    .struct_size = sizeof(slipway_adapter),
    .major = SLIPWAY_ADAPTER_MAJOR,
    .minor = SLIPWAY_ADAPTER_MINOR,
    .open = open_adapter,
    .close = trees_adapter_close,
    .describe = trees_adapter_describe,
    .recognise = trees_adapter_recognise,
    .estimate = trees_adapter_estimate,
    .load = trees_adapter_load,
    .unload = lightgbm_unload,
    .describe_model = describe_model,
    .execute = lightgbm_execute,
};

const slipway_adapter *slipway_adapter_entry(uint32_t major) {
    return major == SLIPWAY_ADAPTER_MAJOR ? &adapter : NULL;
}
