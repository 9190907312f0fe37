#include "Adapter.h"

/* Whether requests may be joined along a port's first dimension; `symbol` holds the name's number that all share. */
static bool batches(const Port *port, int32_t *symbol) {
    if (port->any_shape || port->rank == 0 || port->shape[0] >= 0) return false;
    int32_t number = port->symbols ? port->symbols[0] : -1;
    if (number < 0) return true;
    if (*symbol >= 0 && *symbol != number) return false;
    *symbol = number;
    return true;
}

/* Why requests can't be joined; NULL where they can. */
static const char *hindrance(const slipway_model *model) {
    int32_t symbol = -1;
    if (model->input_count == 0) return "it has no inputs";
    for (size_t index = 0; index < model->input_count; ++index) {
        if (batches(&model->inputs[index], &symbol)) continue;
        return model->inputs[index].may_be_absent
            ? "inputs with defaults are not of one size with the others; `optional_inputs` can turn them off"
            : "the first dimensions of its inputs are not all open, or have different names";
    }
    for (size_t index = 0; index < model->output_count; ++index) {
        if (!batches(&model->outputs[index], &symbol))
            return "the first dimensions of its outputs are not all that of its inputs";
    }
    return NULL;
}

static void add_port(adapter_description *description, const Port *port, bool is_output) {
    adapter_tensor_description *tensor = (is_output ? adapter_description_output : adapter_description_input)(
        description, port->name, port->datatype, port->shape, port->rank);
    if (tensor) tensor->may_be_absent = port->may_be_absent;
    bool has_names = false;
    for (uint32_t axis = 0; port->symbols && axis < port->rank; ++axis)
        has_names = has_names || port->symbol_names[axis];
    for (uint32_t axis = 0; has_names && axis < port->rank; ++axis) {
        const char *name = port->symbol_names[axis];
        adapter_description_dimension(description, tensor, name ? name : "");
    }
    for (size_t index = 0; port->classes && index < port->classes->count; ++index)
        adapter_description_column(description, tensor, port->classes->names[index]);
}

static void add_any_shape(adapter_text *text, const Port *ports, size_t count) {
    for (size_t index = 0; index < count; ++index) {
        if (ports[index].any_shape) adapter_text_format(text, "%s%s", text->size ? ", " : "", ports[index].name);
    }
}

static void add_facts(slipway_model *model, const SessionFacts *facts) {
    adapter_description *description = &model->description;
    const OnnxFile *file = &model->file;
    adapter_description_fact(description, "runtime", "ONNX Runtime %s", model->state->runtime.version);
    adapter_description_fact(description, "ir_version", "%lld", (long long)file->ir_version);
    if (file->opsets && *file->opsets) adapter_description_fact(description, "opsets", "%s", file->opsets);
    if (file->producer) adapter_description_fact(description, "producer", "%s", file->producer);
    if (file->graph && *file->graph) adapter_description_fact(description, "graph", "%s", file->graph);
    adapter_description_fact(description, "providers", "%s", adapter_text_string(&facts->providers));
    adapter_description_fact(
        description, "threads", "%lld%s%s", (long long)facts->threads,
        facts->parallel ? ", operators side by side" : "",
        model->state->shared_threads && facts->threads == model->state->shared_threads ? ", shared" : "");
    adapter_description_fact(description, "graph_optimization_level", "%s", facts->optimization);
    if (file->external_files) {
        adapter_description_fact(
            description, "weights_beside", "%llu bytes in %zu files", (unsigned long long)file->external_bytes,
            file->external_files);
    }
    if (facts->left_out.size)
        adapter_description_fact(description, "left_out", "%s", adapter_text_string(&facts->left_out));
    adapter_text any_shape = {0};
    add_any_shape(&any_shape, model->inputs, model->input_count);
    add_any_shape(&any_shape, model->outputs, model->output_count);
    if (any_shape.size)
        adapter_description_fact(description, "any_shape", "%s", adapter_text_string(&any_shape));
    adapter_text_free(&any_shape);
}

slipway_status *describe_ports(slipway_model *model, const SessionFacts *facts) {
    adapter_text version = {0};
    adapter_text_format(&version, "opset %lld", (long long)model->file.opset);
    model->description = adapter_description_make("onnx", adapter_text_string(&version));
    adapter_text_free(&version);
    adapter_description *description = &model->description;
    if (!description->message) return adapter_out_of_memory(model->state->host, "the description of a model");
    for (size_t index = 0; index < model->input_count; ++index) add_port(description, &model->inputs[index], false);
    for (size_t index = 0; index < model->output_count; ++index) add_port(description, &model->outputs[index], true);
    add_facts(model, facts);
    const char *why_not = hindrance(model);
    description->message->batches = why_not == NULL;
    description->message->concurrent_executions = 1;
    if (why_not) adapter_description_fact(description, "batches", "no: %s", why_not);
    if (description->failed) return adapter_out_of_memory(model->state->host, "the description of a model");
    return NULL;
}
