#pragma once

#include <string>

#include "policy/detail/lstm_net.h"
#include "policy/detail/optimizer.h"

namespace placer::detail {

/// Parameters and optimizer state as bytes: magic, version, the fields of the config that decide
/// shapes and meaning, step count, then per parameter its name, values and moments, then a
/// fingerprint of all that. Little-endian.
[[nodiscard]] std::string WriteState(const PolicyConfig& config, const LstmNet& net,
                                     const Optimizer& optimizer);
/// @throws InputError if the bytes are damaged or made for another config; nothing has changed then
void ReadState(const std::string& state, const PolicyConfig& config, LstmNet& net,
               Optimizer& optimizer);

}  // namespace placer::detail
