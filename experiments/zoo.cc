#include "graphs/zoo.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cost_model/cluster_io.h"
#include "experiments/output_file.h"
#include "experiments/subcommand.h"
#include "experiments/table.h"
#include "graphs/base/error.h"
#include "graphs/graph_io.h"

namespace placer {
namespace {

void PrintLists(std::ostream& out) {
  out << "Models, zoo:NAME[?key=value&...]\n\n";
  Table graphs({{"name", Table::Align::kLeft},
                {"parameter", Table::Align::kLeft},
                {"default", Table::Align::kLeft},
                {"meaning", Table::Align::kLeft}});
  for (const ZooEntry& entry : GraphZoo()) {
    graphs.AddRow({entry.name, "", "", entry.summary});
    for (const ZooParameter& parameter : entry.parameters) {
      graphs.AddRow({"", parameter.name, parameter.default_value, parameter.meaning});
    }
  }
  graphs.Print(out);
  out << "\nClusters, zoo:NAME\n\n";
  Table clusters({{"name", Table::Align::kLeft}, {"what it is", Table::Align::kLeft}});
  for (const ClusterZooEntry& entry : ClusterZoo()) {
    clusters.AddRow({entry.name, entry.summary});
  }
  clusters.Print(out);
}

nlohmann::ordered_json ListsToJson() {
  auto graphs = nlohmann::ordered_json::array();
  for (const ZooEntry& entry : GraphZoo()) {
    auto parameters = nlohmann::ordered_json::array();
    for (const ZooParameter& parameter : entry.parameters) {
      parameters.push_back({{"name", parameter.name},
                            {"default", parameter.default_value},
                            {"meaning", parameter.meaning}});
    }
    graphs.push_back(
        {{"name", entry.name}, {"summary", entry.summary}, {"parameters", parameters}});
  }
  auto clusters = nlohmann::ordered_json::array();
  for (const ClusterZooEntry& entry : ClusterZoo()) {
    clusters.push_back({{"name", entry.name}, {"summary", entry.summary}});
  }
  return {{"models", graphs}, {"clusters", clusters}};
}

class ZooCommand final : public Subcommand {
 public:
  ZooCommand() : Subcommand("zoo", "list the built-in models and clusters, or write one") {}

  void AddOptions(CLI::App& app) override {
    CLI::Option* write =
        app.add_option("--write", write_, "model (with its parameters) or cluster to write");
    CLI::Option* output = app.add_option("-o,--output", output_, "where to: .txtpb, .pb or .json");
    write->needs(output);
    output->needs(write);
    app.add_flag("--json", json_, "print one JSON object instead of tables");
  }

  ExitCode Run(const Console& console) override {
    if (!write_.empty()) {
      Write();
    } else if (json_) {
      console.out << ListsToJson().dump(2) << std::endl;
    } else {
      PrintLists(console.out);
    }
    return ExitCode::kDone;
  }

 private:
  void Write() const {
    CheckWritable(output_, {".txtpb", ".pb", ".json"});
    const std::string spec = write_.starts_with("zoo:") ? write_.substr(4) : write_;
    const std::string name = spec.substr(0, spec.find('?'));
    const std::vector<ZooEntry> graphs = GraphZoo();
    const std::vector<ClusterZooEntry> clusters = ClusterZoo();
    const auto named = [&](const auto& entry) { return entry.name == name; };
    if (std::any_of(graphs.begin(), graphs.end(), named)) {
      WriteGraph(MakeZooGraph(spec), output_);
      return;
    }
    if (std::any_of(clusters.begin(), clusters.end(), named)) {
      WriteCluster(MakeZooCluster(spec), output_);
      return;
    }
    std::string known;
    for (const ZooEntry& entry : graphs) {
      known += (known.empty() ? "" : ", ") + entry.name;
    }
    for (const ClusterZooEntry& entry : clusters) {
      known += ", " + entry.name;
    }
    throw InputError("zoo: unknown name '" + name + "', expected one of " + known);
  }

  std::string write_, output_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Subcommand> MakeZooCommand() { return std::make_unique<ZooCommand>(); }

}  // namespace placer
