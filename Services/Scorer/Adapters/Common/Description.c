#include "adapter_description.h"

#include "adapter_status.h"
#include "adapter_text.h"

#include <stdlib.h>
#include <string.h>

typedef Slipway__Adapter__V1__ModelDescription model_description;
typedef Slipway__Adapter__V1__ModelDescription__FactsEntry fact_entry;

/* Grows an array by one place. Messages are freed by protobuf-c, whose own allocator is malloc's. */
static void *grow(void *array, size_t count, size_t element) {
    return count < SIZE_MAX / element - 1 ? realloc(array, (count + 1) * element) : NULL;
}

/* Replaces a string of a message; what protobuf-c has as the empty one is not ours to free. */
static bool set_text(char **field, const char *text) {
    char *copy = strdup(text);
    if (!copy) return false;
    adapter_text_repair(copy, strlen(copy));
    if (*field != protobuf_c_empty_string) free(*field);
    *field = copy;
    return true;
}

static bool append_text(char ***array, size_t *count, const char *text) {
    char **grown = grow(*array, *count, sizeof *grown);
    if (!grown) return false;
    *array = grown;
    grown[*count] = strdup(text);
    if (!grown[*count]) return false;
    adapter_text_repair(grown[*count], strlen(grown[*count]));
    *count += 1;
    return true;
}

adapter_description adapter_description_make(const char *format, const char *format_version) {
    adapter_description description = {malloc(sizeof(model_description)), false};
    if (!description.message) {
        description.failed = true;
        return description;
    }
    slipway__adapter__v1__model_description__init(description.message);
    adapter_description_text(&description, &description.message->format, format);
    if (format_version) adapter_description_text(&description, &description.message->format_version, format_version);
    return description;
}

void adapter_description_free(adapter_description *description) {
    if (description->message) slipway__adapter__v1__model_description__free_unpacked(description->message, NULL);
    description->message = NULL;
}

static adapter_tensor_description *make_tensor(
    const char *name, slipway_datatype datatype, const int64_t *shape, size_t rank) {
    adapter_tensor_description *tensor = malloc(sizeof *tensor);
    if (!tensor) return NULL;
    slipway__adapter__v1__tensor_description__init(tensor);
    tensor->datatype = (Slipway__Adapter__V1__Datatype)datatype;
    bool made = set_text(&tensor->name, name);
    if (made && rank > 0) {
        tensor->shape = calloc(rank, sizeof *tensor->shape);
        made = tensor->shape != NULL;
        if (made) {
            memcpy(tensor->shape, shape, rank * sizeof *shape);
            tensor->n_shape = rank;
        }
    }
    if (made) return tensor;
    slipway__adapter__v1__tensor_description__free_unpacked(tensor, NULL);
    return NULL;
}

static adapter_tensor_description *append_tensor(
    adapter_description *description, adapter_tensor_description ***tensors, size_t *count, const char *name,
    slipway_datatype datatype, const int64_t *shape, size_t rank) {
    adapter_tensor_description *tensor = make_tensor(name, datatype, shape, rank);
    adapter_tensor_description **grown = tensor ? grow(*tensors, *count, sizeof *grown) : NULL;
    if (!grown) {
        if (tensor) slipway__adapter__v1__tensor_description__free_unpacked(tensor, NULL);
        description->failed = true;
        return NULL;
    }
    *tensors = grown;
    grown[*count] = tensor;
    *count += 1;
    return tensor;
}

adapter_tensor_description *adapter_description_input(
    adapter_description *description, const char *name, slipway_datatype datatype, const int64_t *shape, size_t rank) {
    model_description *message = description->message;
    if (!message) return NULL;
    return append_tensor(description, &message->inputs, &message->n_inputs, name, datatype, shape, rank);
}

adapter_tensor_description *adapter_description_output(
    adapter_description *description, const char *name, slipway_datatype datatype, const int64_t *shape, size_t rank) {
    model_description *message = description->message;
    if (!message) return NULL;
    return append_tensor(description, &message->outputs, &message->n_outputs, name, datatype, shape, rank);
}

void adapter_description_column(
    adapter_description *description, adapter_tensor_description *tensor, const char *name) {
    if (tensor && !append_text(&tensor->columns, &tensor->n_columns, name)) description->failed = true;
}

void adapter_description_dimension(
    adapter_description *description, adapter_tensor_description *tensor, const char *name) {
    if (tensor && !append_text(&tensor->dimension_names, &tensor->n_dimension_names, name)) description->failed = true;
}

void adapter_description_also_takes(
    adapter_description *description, adapter_tensor_description *tensor, slipway_datatype datatype) {
    if (!tensor) return;
    Slipway__Adapter__V1__Datatype *grown = grow(tensor->also_takes, tensor->n_also_takes, sizeof *grown);
    if (!grown) {
        description->failed = true;
        return;
    }
    tensor->also_takes = grown;
    grown[tensor->n_also_takes++] = (Slipway__Adapter__V1__Datatype)datatype;
}

static fact_entry *fact_named(model_description *message, const char *name) {
    for (size_t index = 0; index < message->n_facts; ++index) {
        if (!strcmp(message->facts[index]->key, name)) return message->facts[index];
    }
    fact_entry **grown = grow(message->facts, message->n_facts, sizeof *grown);
    if (!grown) return NULL;
    message->facts = grown;
    fact_entry *made = malloc(sizeof *made);
    if (!made) return NULL;
    slipway__adapter__v1__model_description__facts_entry__init(made);
    if (!set_text(&made->key, name)) {
        protobuf_c_message_free_unpacked(&made->base, NULL);
        return NULL;
    }
    grown[message->n_facts++] = made;
    return made;
}

void adapter_description_fact(adapter_description *description, const char *name, const char *format, ...) {
    if (!description->message) return;
    fact_entry *fact = fact_named(description->message, name);
    adapter_text text = {0};
    va_list arguments;
    va_start(arguments, format);
    adapter_text_format_with(&text, format, arguments);
    va_end(arguments);
    if (!fact || text.failed || !set_text(&fact->value, adapter_text_string(&text))) description->failed = true;
    adapter_text_free(&text);
}

void adapter_description_text(adapter_description *description, char **field, const char *text) {
    if (!description->message || !set_text(field, text)) description->failed = true;
}

slipway_status *adapter_description_write(
    const slipway_host *host, slipway_sink *sink, const adapter_description *description) {
    if (description->failed || !description->message) return adapter_out_of_memory(host, "the model's description");
    return adapter_write(host, sink, &description->message->base);
}
