#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace placer {

/// The whole file. @throws InputError
[[nodiscard]] std::string ReadWholeFile(const std::filesystem::path& path);

/// What the name of a file ends with that process `pid` writes before it has its own name.
[[nodiscard]] std::string TemporarySuffix(pid_t pid);

/// Writes beside `path`, then renames: the file has its old content or all of the new one, never a
/// part. @throws InputError
void ReplaceFile(const std::filesystem::path& path, std::string_view content);

}  // namespace placer
