#include "graphs/detail/graphdef_kinds.h"

#include <algorithm>
#include <array>

namespace placer::graphdef {
namespace {

constexpr std::array kPlaceholders = {"Placeholder", "PlaceholderV2", "_Arg"};
constexpr std::array kVariables = {"VariableV2", "Variable", "VarHandleOp"};
constexpr std::array kConstants = {"Const", "HostConst"};
constexpr std::array kCalls = {"PartitionedCall",
                               "StatefulPartitionedCall",
                               "TPUPartitionedCall",
                               "SymbolicGradient",
                               "RemoteCall",
                               "If",
                               "StatelessIf",
                               "While",
                               "StatelessWhile",
                               "Case",
                               "StatelessCase",
                               "For",
                               "MapDefun",
                               "_If",
                               "_While"};
constexpr std::array kConditionals = {"Switch", "Merge", "RefSwitch", "RefMerge"};

template <std::size_t N>
bool IsOneOf(const std::array<const char*, N>& ops, std::string_view op) {
  return std::find(ops.begin(), ops.end(), op) != ops.end();
}

}  // namespace

bool IsPlaceholder(std::string_view op) { return IsOneOf(kPlaceholders, op); }
bool IsVariable(std::string_view op) { return IsOneOf(kVariables, op); }
bool IsConstant(std::string_view op) { return IsOneOf(kConstants, op); }
bool IsCall(std::string_view op) { return IsOneOf(kCalls, op); }
bool IsConditional(std::string_view op) { return IsOneOf(kConditionals, op); }

bool IsGradientScope(std::string_view name) {
  const std::string_view scope = name.substr(0, name.find('/'));
  return scope.size() < name.size() &&
         (scope == "gradients" || scope.starts_with("gradients_") || scope == "gradient_tape");
}

std::string Named(const std::string& node, std::size_t output) {
  return output == 0 ? node : node + ":" + std::to_string(output);
}

}  // namespace placer::graphdef
