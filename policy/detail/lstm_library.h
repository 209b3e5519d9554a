#pragma once

#include "policy/policy.h"

/// The one symbol of the shared library placer_policy_torch. Exceptions that leave it are
/// placer::Error. The caller owns the policy.
extern "C" placer::Policy* PlacerMakeLstmPolicy(const placer::PolicyConfig& config);
