#include "Adapter.h"

#include <stdlib.h>

static slipway_status *open_session(slipway_model *model, adapter_load_request *request, SessionFacts *facts) {
    slipway_adapter_state *state = model->state;
    const OrtFunctions *call = &state->runtime.call;
    char *path = NULL;
    slipway_status *refusal = locate_model(state->host, request, &path);
    /* Before the runtime reads a file it is looked at: a model can name any file of the machine as its weights. */
    if (!refusal) refusal = onnx_file_read(state->host, path, &model->file);
    OrtSessionOptions *options = NULL;
    if (!refusal) refusal = session_options_make(state, request, &options, facts);
    if (!refusal) {
        runtime_log_about(request->name);
        OrtStatus *failure = call->CreateSession(state->runtime.environment, path, options, &model->session);
        runtime_log_about(NULL);
        if (failure) refusal = load_failure(model, failure, path);
    }
    if (options) call->ReleaseSessionOptions(options);
    free(path);
    return refusal;
}

static slipway_status *load(slipway_model *model, adapter_load_request *request) {
    SessionFacts facts = {.optional_inputs = true};
    slipway_status *refusal = open_session(model, request, &facts);
    if (!refusal) refusal = ports_read(model, facts.optional_inputs, &facts.left_out);
    if (!refusal) refusal = describe_ports(model, &facts);
    adapter_text_free(&facts.providers);
    adapter_text_free(&facts.left_out);
    return refusal;
}

slipway_status *model_load(slipway_adapter_state *state, slipway_bytes load_request, slipway_model **model) {
    adapter_load_request *request = NULL;
    slipway_status *refusal = adapter_load_request_unpack(state->host, load_request, &request);
    if (!refusal) refusal = runtime_open(state);
    if (!refusal) {
        slipway_model *made = calloc(1, sizeof *made);
        if (made) {
            made->state = state;
            refusal = load(made, request);
        } else {
            refusal = adapter_out_of_memory(state->host, "a model");
        }
        if (refusal && made) {
            model_unload(made);
        } else if (!refusal) {
            *model = made;
        }
    }
    if (request) adapter_load_request_free(request);
    return refusal;
}

void model_unload(slipway_model *model) {
    if (model->session) model->state->runtime.call.ReleaseSession(model->session);
    ports_free(model);
    onnx_file_free(&model->file);
    adapter_description_free(&model->description);
    free(model);
}

slipway_status *model_describe(slipway_model *model, slipway_sink *sink) {
    return adapter_description_write(model->state->host, sink, &model->description);
}
