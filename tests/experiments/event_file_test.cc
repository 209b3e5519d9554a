#include "experiments/event_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <thread>

#include "experiments/methods.h"
#include "experiments/tensorboard.pb.h"
#include "graphs/base/error.h"
#include "tests/experiments/command_runner.h"
#include "tests/experiments/test_files.h"

namespace placer {
namespace {

using test::RunPlacer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// CRC-32C bit by bit, from its definition (RFC 3720, section 12.1: polynomial 0x11EDC6F41).
std::uint32_t Crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
    }
  }
  return ~crc;
}

std::uint32_t Masked(std::string_view bytes) {
  const std::uint32_t crc = Crc32c(bytes);
  return ((crc >> 15U) | (crc << 17U)) + 0xA282EAD8U;
}

/// Reads as TensorBoard does: every checksum must be right, and the file end with a record.
std::vector<tensorboard::Event> ReadEvents(std::string_view bytes) {
  std::vector<tensorboard::Event> events;
  while (!bytes.empty()) {
    std::uint64_t length = 0;
    std::uint32_t of_length = 0, of_message = 0;
    if (bytes.size() < 16) {
      ADD_FAILURE() << "torn record";
      break;
    }
    std::memcpy(&length, bytes.data(), 8);
    std::memcpy(&of_length, bytes.data() + 8, 4);
    EXPECT_EQ(of_length, Masked(bytes.substr(0, 8)));
    if (length + 16 > bytes.size()) {
      ADD_FAILURE() << "torn record";
      break;
    }
    std::memcpy(&of_message, bytes.data() + 12 + length, 4);
    EXPECT_EQ(of_message, Masked(bytes.substr(12, length)));
    EXPECT_TRUE(events.emplace_back().ParseFromString(std::string(bytes.substr(12, length))));
    bytes.remove_prefix(16 + length);
  }
  return events;
}

std::vector<std::int64_t> StepsOf(const std::vector<tensorboard::Event>& events) {
  std::vector<std::int64_t> steps;
  for (const tensorboard::Event& event : events) {
    if (event.summary().value_size() > 0 && event.summary().value(0).has_simple_value()) {
      steps.push_back(event.step());
    }
  }
  return steps;
}

std::map<std::string, float> ScalarsOf(const tensorboard::Event& event) {
  std::map<std::string, float> scalars;
  for (const tensorboard::Summary::Value& value : event.summary().value()) {
    scalars[value.tag()] = value.simple_value();
  }
  return scalars;
}

class EventFileTest : public ::testing::Test {
 protected:
  EventFileTest() { file_.Open("config", "samples: 40\n"); }
  [[nodiscard]] std::string Bytes() const { return dir_.Read(EventFile::kName); }
  void Append(std::int64_t step) const {
    const EventScalar scalars[] = {{"loss", 0.5}, {"rate", static_cast<double>(step)}};
    file_.Append(step, scalars);
  }

  test::TempDir dir_;
  EventFile file_{dir_ / EventFile::kName};
};

TEST(Crc32c, OfTheTestAgreesWithTheStandard) {
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAU);  // RFC 3720, appendix B.4
}

TEST_F(EventFileTest, BeginsWithTheVersionAndTheConfig) {
  const std::vector<tensorboard::Event> events = ReadEvents(Bytes());
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].file_version(), "brain.Event:2");
  EXPECT_GT(events[0].wall_time(), 1.5e9);
  const tensorboard::Summary::Value& text = events[1].summary().value(0);
  EXPECT_EQ(text.tag(), "config");
  EXPECT_EQ(text.metadata().plugin_data().plugin_name(), "text");
  EXPECT_EQ(text.tensor().dtype(), 7);
  ASSERT_EQ(text.tensor().shape().dim_size(), 1);
  EXPECT_EQ(text.tensor().shape().dim(0).size(), 1);
  EXPECT_THAT(text.tensor().string_val(), ElementsAre("```\nsamples: 40\n```\n"));
}

TEST_F(EventFileTest, HoldsScalarsAtTheirSteps) {
  Append(4);
  Append(8);
  const std::vector<tensorboard::Event> events = ReadEvents(Bytes());
  EXPECT_THAT(StepsOf(events), ElementsAre(4, 8));
  EXPECT_EQ(events[2].summary().value(0).tag(), "loss");
  EXPECT_EQ(events[2].summary().value(0).simple_value(), 0.5F);
  EXPECT_EQ(events[3].summary().value(1).simple_value(), 8.0F);
}

TEST_F(EventFileTest, FieldsHaveThePublicNumbers) {
  const std::string before = Bytes();
  const EventScalar scalar[] = {{"t", 1.0}};
  file_.Append(3, scalar);
  const std::string message = Bytes().substr(before.size() + 12);
  EXPECT_EQ(message.substr(0, 1), "\x09");  // 1: wall_time, a double
  // 2: step 3; 5: summary of 10 bytes; in it 1: value of 8 bytes; 1: tag "t"; 2: the float 1.
  EXPECT_EQ(message.substr(9, message.size() - 13),
            std::string("\x10\x03\x2a\x0a\x0a\x08\x0a\x01t\x15\x00\x00\x80\x3f", 14));
}

TEST_F(EventFileTest, EveryTornEndIsRepaired) {
  Append(4);
  const std::string whole = Bytes();
  Append(8);
  const std::string both = Bytes();
  for (std::size_t size = whole.size(); size < both.size(); ++size) {
    static_cast<void>(dir_.Write(EventFile::kName, both.substr(0, size)));
    file_.Open("config", "another");
    ASSERT_EQ(Bytes(), whole) << size;
  }
  for (std::size_t at = whole.size(); at < both.size(); ++at) {
    std::string damaged = both;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    static_cast<void>(dir_.Write(EventFile::kName, damaged));
    file_.Open("config", "another");
    ASSERT_EQ(Bytes(), whole) << at;
  }
}

TEST_F(EventFileTest, WhatIsNoEventFileStartsAnew) {
  static_cast<void>(dir_.Write(EventFile::kName, "garbage that is longer than a header"));
  file_.Open("config", "text");
  EXPECT_EQ(ReadEvents(Bytes()).size(), 2U);
}

TEST_F(EventFileTest, TrimsFromAStepOn) {
  for (const std::int64_t step : {4, 8, 12}) {
    Append(step);
  }
  const std::string whole = Bytes();
  file_.Trim(9);
  EXPECT_THAT(StepsOf(ReadEvents(Bytes())), ElementsAre(4, 8));
  Append(12);
  EXPECT_EQ(Bytes().size(), whole.size());  // a reader's position stays one between records
  file_.Trim(1);
  EXPECT_EQ(ReadEvents(Bytes()).size(), 2U);
}

TEST_F(EventFileTest, SaysWhereItCannotWrite) {
  try {
    EventFile("/dev/null/file").Open("config", "");
    ADD_FAILURE() << "expected an error";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("/dev/null/file: cannot be written"));
  }
}

class TrainEvents : public ::testing::Test {
 protected:
  [[nodiscard]] std::string Config(const std::string& more) const {
    return files_.dir.Write("toy.txtpb", "model: \"" + files_.model + "\" cluster: \"" +
                                             files_.cluster + "\" output_dir: \"" +
                                             (files_.dir / "run").string() + "\" " + more);
  }
  [[nodiscard]] std::vector<tensorboard::Event> Events() const {
    return ReadEvents(files_.dir.Read("run/seed-5/events.out.tfevents.placer"));
  }
  [[nodiscard]] std::vector<nlohmann::json> Metrics() const {
    std::vector<nlohmann::json> metrics;
    for (const std::string& line : test::Lines(files_.dir.Read("run/seed-5/metrics.jsonl"))) {
      metrics.push_back(nlohmann::json::parse(line));
    }
    return metrics;
  }
  test::TestFiles files_;
};

TEST_F(TrainEvents, OfASearchSayWhatItsMetricsSay) {
  ASSERT_EQ(RunPlacer({"train", Config("method: \"annealing\" samples: 60 seeds: 5")}).code, 0);
  const std::vector<tensorboard::Event> events = Events();
  std::vector<std::int64_t> samples;
  for (const nlohmann::json& metric : Metrics()) {
    samples.push_back(metric.at("samples"));
  }
  EXPECT_EQ(StepsOf(events), samples);
  const std::map<std::string, float> last = ScalarsOf(events.back());
  EXPECT_EQ(last.at("step_time/best_seconds"),
            Metrics().back().at("best_step_time_seconds").get<float>());
  // Of the 16 placements of four ops on two devices; 60 samples.
  const nlohmann::json result = nlohmann::json::parse(files_.dir.Read("run/seed-5/result.json"));
  EXPECT_LE(result.at("unique_samples"), 16);
  EXPECT_EQ(last.at("samples/unique_share"), result.at("unique_samples").get<float>() / 60);
  EXPECT_EQ(last.at("samples/unique_share"), Metrics().back().at("unique_share").get<float>());
  EXPECT_GT(last.at("samples_per_second"), 0);
}

/// A step that does not fit has a time too, which is not the best of anything.
TEST_F(TrainEvents, HaveNoStepTimeWhileNothingFits) {
  ClusterSpec small = test::TwoDevices();
  for (Device& device : small.devices) {
    device.memory_bytes = 1;  // an op's input and output are a byte each
  }
  WriteCluster(Cluster(small), files_.cluster);
  std::vector<std::string> methods = {"annealing"};
  if (!WhyNoLearning()) {
    methods.emplace_back("reinforce");
  }
  for (const std::string& method : methods) {
    std::filesystem::remove_all(files_.dir / "run");
    ASSERT_EQ(RunPlacer({"train", Config("method: \"" + method + "\" samples: 20 seeds: 5")}).code,
              3);
    const std::vector<tensorboard::Event> events = Events();
    ASSERT_GT(events.size(), 2U) << method;
    for (std::size_t i = 2; i < events.size(); ++i) {
      const std::map<std::string, float> scalars = ScalarsOf(events[i]);
      EXPECT_FALSE(scalars.contains("step_time/best_seconds")) << method;
      EXPECT_FALSE(scalars.contains("step_time/mean_seconds")) << method;
      EXPECT_GT(scalars.at("samples/unique_share"), 0) << method;
    }
  }
}

/// Stopped at some update and resumed, the curves have every update once.
TEST_F(TrainEvents, OfAResumedRunHaveEveryUpdateOnce) {
  if (const auto why = WhyNoLearning()) {
    GTEST_SKIP() << *why;
  }
  const std::string config = Config(
      "method: \"reinforce\" samples: 200 seeds: 5 space: \"ops\""
      "options { key: \"hidden\" value: \"8\" } options { key: \"batch\" value: \"4\" }");
  std::stop_source source;
  {
    const std::jthread stopper([&](const std::stop_token& done) {
      while (!done.stop_requested() &&
             test::Lines(files_.dir.Read("run/seed-5/metrics.jsonl")).size() < 7) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      source.request_stop();
    });
    EXPECT_EQ(RunPlacer({"train", config}, source.get_token()).code, 130);
  }
  // What a kill would leave: an update that is not in the checkpoint, and half a record.
  const EventFile file(files_.dir / "run/seed-5/events.out.tfevents.placer");
  const EventScalar scalar[] = {{"reward/mean", 0}};
  file.Append(190, scalar);
  const std::string bytes = files_.dir.Read("run/seed-5/events.out.tfevents.placer");
  static_cast<void>(
      files_.dir.Write("run/seed-5/events.out.tfevents.placer", bytes + bytes.substr(0, 9)));
  ASSERT_EQ(RunPlacer({"train", config, "--resume"}).code, 0);

  const std::vector<tensorboard::Event> events = Events();
  const std::vector<nlohmann::json> metrics = Metrics();
  ASSERT_EQ(events.size(), metrics.size() + 2);
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    EXPECT_EQ(events[i + 2].step(), metrics[i].at("samples"));
    const std::map<std::string, float> scalars = ScalarsOf(events[i + 2]);
    EXPECT_EQ(scalars.at("step_time/best_seconds"),
              metrics[i].at("best_step_time_seconds").get<float>());
    EXPECT_EQ(scalars.at("reward/mean"), metrics[i].at("mean_reward").get<float>());
    EXPECT_EQ(scalars.at("reward/best"), metrics[i].at("best_reward").get<float>());
    EXPECT_EQ(scalars.at("reward/baseline"), metrics[i].at("baseline").get<float>());
    EXPECT_EQ(scalars.at("policy/entropy"), metrics[i].at("entropy").get<float>());
    EXPECT_EQ(scalars.at("policy/gradient_norm"), metrics[i].at("gradient_norm").get<float>());
    EXPECT_EQ(scalars.at("samples/unique_share"), metrics[i].at("unique_share").get<float>());
    EXPECT_GT(scalars.at("samples_per_second"), 0);
  }
  EXPECT_THAT(events[1].summary().value(0).tensor().string_val(0), HasSubstr("samples: 200"));
}

}  // namespace
}  // namespace placer
