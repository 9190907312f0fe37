/* What our adapters in C share, so that each says only what its framework has of its own.
 *
 * Everything here may be called on any thread at any time, unless it says otherwise. Statuses are the host's: return
 * them or complete with them. Text that comes from outside is zero-terminated by the time it gets here.
 */
#ifndef ADAPTER_COMMON_H
#define ADAPTER_COMMON_H

#include "adapter_description.h"
#include "adapter_files.h"
#include "adapter_library.h"
#include "adapter_options.h"
#include "adapter_request.h"
#include "adapter_status.h"
#include "adapter_text.h"

#endif
