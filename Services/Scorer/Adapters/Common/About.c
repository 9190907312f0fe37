#include "adapter_description.h"

#include "adapter_status.h"

#include <stdlib.h>

typedef Slipway__Adapter__V1__OptionDescription option_description;

static size_t length(const char *const *list) {
    size_t count = 0;
    while (list && list[count]) ++count;
    return count;
}

/* protobuf-c reads strings through pointers that are not const, and changes none. */
static char *text_or_empty(const char *text) {
    return text ? (char *)text : (char *)protobuf_c_empty_string;
}

slipway_status *adapter_about_write(const slipway_host *host, slipway_sink *sink, const adapter_about *about) {
    Slipway__Adapter__V1__AdapterDescription message = SLIPWAY__ADAPTER__V1__ADAPTER_DESCRIPTION__INIT;
    message.name = text_or_empty(about->name);
    message.version = text_or_empty(about->version);
    message.framework = text_or_empty(about->framework);
    message.framework_version = text_or_empty(about->framework_version);
    message.n_formats = length(about->formats);
    message.formats = (char **)about->formats;
    message.n_providers = length(about->providers);
    message.providers = (char **)about->providers;
    message.input_alignment = about->input_alignment;

    size_t count = 0;
    while (about->options && about->options[count].name) ++count;
    option_description *options = calloc(count + 1, sizeof *options);
    option_description **pointers = calloc(count + 1, sizeof *pointers);
    slipway_status *status;
    if (options && pointers) {
        for (size_t index = 0; index < count; ++index) {
            slipway__adapter__v1__option_description__init(&options[index]);
            options[index].name = text_or_empty(about->options[index].name);
            options[index].help = text_or_empty(about->options[index].help);
            options[index].default_value = text_or_empty(about->options[index].default_value);
            pointers[index] = &options[index];
        }
        message.n_options = count;
        message.options = pointers;
        status = adapter_write(host, sink, &message.base);
    } else {
        status = adapter_out_of_memory(host, "the adapter's description");
    }
    free(options);
    free(pointers);
    return status;
}
