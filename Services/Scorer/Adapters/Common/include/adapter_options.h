/* Options of adapters and models: names known, values of their types, and a precise refusal of everything else. */
#ifndef ADAPTER_OPTIONS_H
#define ADAPTER_OPTIONS_H

#include "adapter_request.h"

#include <stdbool.h>
#include <stddef.h>

/* An option that there is. A table of them ends with a NULL name. A name that ends in `*` stands for every name that
 * begins alike and goes on. */
typedef struct adapter_option {
    const char *name;
    const char *help;
    const char *default_value; /* as shown and as parsed where the option is not given; NULL: no default */
} adapter_option;

/* A look at the options of a message and of the table they are measured by. It copies nothing: message and table have
 * to outlive it. */
typedef struct adapter_settings {
    const slipway_host *host;
    const adapter_option *table;
    const char *owner; /* "the model `churn`", for messages */
    void *const *entries;
    size_t count;
} adapter_settings;

/* Takes the options of a LoadRequest; INVALID_ARGUMENT with a suggestion where one is not in the table. */
slipway_status *adapter_settings_of_model(
    const slipway_host *host, const adapter_load_request *request, const adapter_option *table,
    adapter_settings *settings);

/* The same of AdapterOptions. */
slipway_status *adapter_settings_of_adapter(
    const slipway_host *host, const adapter_options_message *options, const adapter_option *table,
    adapter_settings *settings);

/* The value given, else the default, else NULL. Entries of a map may come twice: the last holds. */
const char *adapter_setting(const adapter_settings *settings, const char *name);

/* Whether a value was given. */
bool adapter_setting_is_given(const adapter_settings *settings, const char *name);

/* Typed values. Where there is neither a value nor a default, the out parameter keeps what it holds.
 * INVALID_ARGUMENT naming option, value and what would be right. */
slipway_status *adapter_setting_flag(const adapter_settings *settings, const char *name, bool *value);
slipway_status *adapter_setting_integer(
    const adapter_settings *settings, const char *name, int64_t least, int64_t most, int64_t *value);
slipway_status *adapter_setting_number(const adapter_settings *settings, const char *name, double *value);

/* The index of the value in `choices`, which end with NULL. */
slipway_status *adapter_setting_choice(
    const adapter_settings *settings, const char *name, const char *const *choices, int *value);

/* strtod as in C's own locale, whatever that of the process is. */
double adapter_number(const char *text, char **end);

/* The name among `names` (ended by NULL) that is most like `name`, or NULL where none is much like it. */
const char *adapter_closest(const char *name, const char *const *names);

#endif
