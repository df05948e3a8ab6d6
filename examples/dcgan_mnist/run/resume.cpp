#include "run/resume.hpp"

#include <tinygan/io/checkpoints.hpp>

namespace dcgan_mnist {

namespace fs = std::filesystem;
using tinygan::index_t;

namespace {

/// A run, and the step of the checkpoint that was named, if one was.
struct Named {
  fs::path run;
  std::optional<index_t> step;
};

Named find_named(const std::string& text) {
  std::error_code ignored;
  fs::path path = fs::path(text).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // a slash at the end
  tinygan::check(fs::is_directory(path, ignored), "--resume", text, " is not a directory");
  if (fs::exists(path / "options.json", ignored)) return {path, {}};
  const auto step = tinygan::io::Checkpoints::step_of(path.filename().string());
  const fs::path run = path.parent_path().parent_path();
  tinygan::check(step && fs::exists(run / "options.json", ignored), "--resume", text,
                 " is neither a run directory (it has no options.json) nor a checkpoint in one");
  return {run, step};
}

/// Reads a checkpoint; an error says which older one could be used instead.
LoadedCheckpoint read(const tinygan::io::Checkpoints& checkpoints, index_t step) {
  try {
    return read_checkpoint(checkpoints.path(step));
  } catch (const tinygan::Error& e) {
    std::optional<index_t> older;
    for (const index_t s : checkpoints.steps())
      if (s < step) older = s;
    if (!older) throw;
    throw tinygan::Error(tinygan::text(e.what(), "; an older checkpoint can be tried with --resume ",
                                       checkpoints.path(*older).string()));
  }
}

/// Throws Error if a checkpoint in a run's directory belongs to another run.
void check_same_run(const LoadedCheckpoint& checkpoint, const fs::path& path, const TrainOptions& run) {
  const nlohmann::ordered_json options = deciding_options(run);
  for (const auto& [name, value] : checkpoint.meta.options.items())
    tinygan::check(!options.contains(name) || options[name] == value, (path / "meta.json").string(),
                   "is of a run with --", name, ' ', value.dump(), ", options.json of this run says ",
                   options.value(name, nlohmann::ordered_json()).dump());
}

}  // namespace

Plan make_plan(const TrainOptions& options) {
  Plan plan;
  plan.options = options;
  if (options.resume.empty()) return plan;
  Named named;
  if (options.resume == "auto") {
    const auto run = find_run(options.out, options, plan.warnings);
    if (!run) return plan;
    named.run = *run;
  } else {
    named = find_named(options.resume);
  }
  plan.directory = named.run;
  plan.lock = std::make_unique<RunLock>(named.run);
  plan.options = merge_options(read_options(named.run / "options.json"), options);
  const tinygan::io::Checkpoints checkpoints(named.run);
  plan.rolls_back = named.step.has_value();
  if (named.step) {
    plan.checkpoint_path = checkpoints.path(*named.step);
    plan.checkpoint = read(checkpoints, *named.step);
  } else {
    std::optional<ChosenCheckpoint> chosen = choose_checkpoint(named.run);
    if (!chosen) return plan;
    plan.checkpoint_path = chosen->path;
    plan.checkpoint = std::move(chosen->content);
    plan.warnings.insert(plan.warnings.end(), chosen->warnings.begin(), chosen->warnings.end());
  }
  check_same_run(*plan.checkpoint, plan.checkpoint_path, plan.options);
  return plan;
}

}  // namespace dcgan_mnist
