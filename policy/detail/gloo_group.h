#pragma once

#include "policy/process_group.h"

/// Exported by the shared library placer_policy_torch, as PlacerMakeLstmPolicy() is. Exceptions
/// that leave it are placer::Error. The caller owns the group.
extern "C" placer::ProcessGroup* PlacerJoinProcessGroup(const placer::ProcessGroupAddress& address);
