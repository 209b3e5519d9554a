#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace placer {

/// Base of everything this project throws on purpose.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Bad input from outside: a file, a config, a flag. One line: where (file, node or field), what
/// was found, what was expected. The command turns it into exit code 2.
class InputError : public Error {
 public:
  explicit InputError(std::string message) : Error(WithoutZeros(std::move(message))) {}
  /// The same fault with the place it was found in front: `where: what`.
  [[nodiscard]] InputError In(const std::string& where) const {
    return InputError(where + ": " + what());
  }

 private:
  /// Names in a file may hold anything, and what() ends at the first zero.
  static std::string WithoutZeros(std::string message) {
    std::replace(message.begin(), message.end(), '\0', '?');
    return message;
  }
};

/// Something optional that this build or this machine does not have, such as LibTorch. The command
/// turns it into exit code 2.
class UnavailableError : public Error {
 public:
  using Error::Error;
};

/// The input is fine but nothing feasible exists, or a check failed. The command turns it into exit
/// code 3.
class InfeasibleError : public Error {
 public:
  using Error::Error;
};

}  // namespace placer
