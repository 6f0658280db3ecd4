// SPDX-License-Identifier: MIT
// Running the built iommucheck as a user does, and looking at what it answers.
#ifndef IOMMUCHECK_TESTS_CLI_COMMAND_H
#define IOMMUCHECK_TESTS_CLI_COMMAND_H

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace iommucheck::cli {

using Words = std::vector<std::string>;
/// Ordered, so that printing it again keeps the program's order.
using Json = nlohmann::ordered_json;

// The contract's exit codes.
constexpr int kGood = 0;
constexpr int kViolated = 1;
constexpr int kUnknown = 2;
constexpr int kDisagree = 3;
constexpr int kUsage = 64;
constexpr int kInput = 66;
constexpr int kOutput = 74;

struct Outcome {
  int code = -1;  ///< 128 + the signal, if one ended it; 127 if it could not be started
  std::string out, err;
};

/// The program under test: IOMMUCHECK_BINARY of the environment, or the one that was built.
const std::string& binary();

/// Runs any program, found on PATH, to its end.  Its standard input is closed unless one is given.
Outcome run_program(const std::string& program, const Words& words,
                    const std::optional<std::string>& input = std::nullopt);
/// The same with the program under test.
Outcome run(const Words& words, const std::optional<std::string>& input = std::nullopt);

/// "check ioasid/plain --jobs 2" as words, and more words after it.
Words split(std::string_view command, const Words& more = {});
Words extend(Words words, const Words& more);
/// Words as one line, for messages.
std::string join(const Words& words);

/// Parses what a command with --json printed: exactly one object.  A failure of the test otherwise.
Json object_of(const Outcome& outcome);
/// Runs a command that must end with `code`, and parses its object.  Adds --json.
Json ask(int code, const Words& words);
/// "designs", "specs" or "targets" of list.
Json listed(const char* kind);

/// The steps of a trace in ITF.
std::size_t steps_of(const Json& trace);

void expect_words(const std::string& text, const std::vector<std::string_view>& words);
/// Nothing on standard output, a message with these words on standard error, and this exit code.
void expect_error(const Outcome& outcome, int code, const std::vector<std::string_view>& words);

/// A directory that is removed at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  /// Writes a file and gives its name.
  std::string write(const std::string& name, std::string_view text) const;

 private:
  std::filesystem::path path_;
};
std::string read(const std::string& file);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_TESTS_CLI_COMMAND_H
