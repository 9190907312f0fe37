/* Descriptions of adapters and models, built step by step.
 *
 * They are messages in memory of their own. Memory that runs out is remembered and told by adapter_description_write. */
#ifndef ADAPTER_DESCRIPTION_H
#define ADAPTER_DESCRIPTION_H

#include "adapter_options.h"
#include "adapter_request.h"

#include <stdbool.h>

typedef Slipway__Adapter__V1__TensorDescription adapter_tensor_description;

/* A model's description that is being built, or kept. */
typedef struct adapter_description {
    Slipway__Adapter__V1__ModelDescription *message; /* NULL where there was no memory; its plain fields may be set */
    bool failed;
} adapter_description;

/* Ends with adapter_description_free. */
adapter_description adapter_description_make(const char *format, const char *format_version);
void adapter_description_free(adapter_description *description);

/* Adds an input or output. The result, NULL where memory ran out, is the description's. */
adapter_tensor_description *adapter_description_input(
    adapter_description *description, const char *name, slipway_datatype datatype, const int64_t *shape, size_t rank);
adapter_tensor_description *adapter_description_output(
    adapter_description *description, const char *name, slipway_datatype datatype, const int64_t *shape, size_t rank);

/* Names the next column; `tensor` may be NULL. */
void adapter_description_column(
    adapter_description *description, adapter_tensor_description *tensor, const char *name);

/* Says that an input is taken in another datatype too, and converted; `tensor` may be NULL. */
void adapter_description_also_takes(
    adapter_description *description, adapter_tensor_description *tensor, slipway_datatype datatype);

/* Names the next dimension; an empty name says that it has none. `tensor` may be NULL. */
void adapter_description_dimension(
    adapter_description *description, adapter_tensor_description *tensor, const char *name);

/* Says something to people; a name that is there already gets the new value. */
void adapter_description_fact(adapter_description *description, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sets a text of the message: `adapter_description_text(&d, &d.message->input_sample, sample)`. */
void adapter_description_text(adapter_description *description, char **field, const char *text);

slipway_status *adapter_description_write(
    const slipway_host *host, slipway_sink *sink, const adapter_description *description);

/* What an adapter says of itself; lists end with NULL, texts and lists may be NULL. */
typedef struct adapter_about {
    const char *name;
    const char *version;
    const char *framework;
    const char *framework_version;
    const char *const *formats;
    const char *const *providers;
    const adapter_option *options;
    uint32_t input_alignment;
} adapter_about;

slipway_status *adapter_about_write(const slipway_host *host, slipway_sink *sink, const adapter_about *about);

#endif
