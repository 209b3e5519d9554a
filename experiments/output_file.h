#pragma once

#include <filesystem>
#include <initializer_list>
#include <string_view>

namespace placer {

/// Fails now rather than after an hour of work: the folder exists and takes files, `path` is no
/// folder, and the suffix is one of `suffixes` (any, if there are none). Leaves nothing behind.
/// @throws InputError
void CheckWritable(const std::filesystem::path& path,
                   std::initializer_list<std::string_view> suffixes = {});

/// Makes a folder and those above it; one that is there already is fine. @throws InputError
void MakeFolder(const std::filesystem::path& path);

}  // namespace placer
