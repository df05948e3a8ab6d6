#include "record.hpp"

#include <chrono>
#include <utility>
#include <vector>

#include <tinygan/io/file.hpp>

#include "byte_text.hpp"
#include "report.hpp"
#include "snapshots.hpp"

namespace dcgan_mnist {

namespace fs = std::filesystem;
using tinygan::index_t;

namespace {

/// Seconds since 1970, as event files want them.
double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

nlohmann::ordered_json to_json(const Status& s) {
  return {{"epoch", s.epoch},
          {"step", s.step},
          {"images", s.images},
          {"loss_d", s.loss_d},
          {"loss_g", s.loss_g},
          {"d_real", s.d_real},
          {"d_fake", s.d_fake},
          {"grad_norm_d", s.grad_norm_d},
          {"grad_norm_g", s.grad_norm_g},
          {"images_per_second", s.images_per_second},
          {"memory_mib", s.memory_mib}};
}

std::vector<tinygan::io::EventFile::Scalar> to_scalars(const Status& s) {
  return {{"loss/discriminator", s.loss_d},
          {"loss/generator", s.loss_g},
          {"output/real", s.d_real},
          {"output/generated", s.d_fake},
          {"gradient/discriminator", s.grad_norm_d},
          {"gradient/generator", s.grad_norm_g},
          {"speed/images_per_second", s.images_per_second}};
}

}  // namespace

RunRecord::RunRecord(const fs::path& directory, Progress& progress, index_t first_step)
    : directory_(directory),
      progress_(&progress),
      checkpoints_(directory),
      log_(directory / "log.txt"),
      stats_(directory / "stats.jsonl"),
      events_(directory, wall_time(), first_step) {}

void RunRecord::say(const std::string& text) {
  progress_->note(text);
  log_.write(escape_bytes(text));
}

void RunRecord::warn(const std::string& text) {
  progress_->warn(text);
  log_.write(escape_bytes(text));
}

void RunRecord::status(const Status& status, bool logged) {
  if (logged) {
    stats_.write(to_json(status).dump());
    log_.write(status_line(status));
    const std::lock_guard lock(events_mutex_);
    events_.scalars(status.step, to_scalars(status), wall_time());
  }
  progress_->show(status, logged);
}

void RunRecord::picture(const std::string& name, const std::string& tag, index_t step, GreyImage image) {
  in_background([this, path = directory_ / name, tag, step, image = std::move(image)] {
    const std::vector<std::uint8_t> png = encode_png(image);
    tinygan::io::write_file(path, png);
    const std::lock_guard lock(events_mutex_);
    events_.image(step, tag, png, image.width, image.height, wall_time());
  });
}

void RunRecord::checkpoint(CheckpointMeta meta, std::shared_ptr<const TrainingState> state,
                           const tinygan::train::Retention& keep) {
  in_background([this, meta = std::move(meta), state = std::move(state), keep] {
    const std::vector<tinygan::train::FileContent> files = encode_checkpoint(meta, state->model, state->state);
    stats_.sync();
    log_.sync();
    checkpoints_.write(meta.step, files);
    checkpoints_.prune(keep);
  });
}

void RunRecord::flush() { writer_.flush(); }

void write_pages(const fs::path& run, Progress& progress) {
  try {
    write_progress_gif(run);
  } catch (const tinygan::Error& e) {  // a damaged picture of long ago does not make a run that has ended well a failed one
    progress.warn(tinygan::text("no new progress.gif: ", e.what()));
  }
  write_report(run);
}

void RunRecord::pages() {
  flush();
  write_pages(directory_, *progress_);
  progress_->note("report: " + (directory_ / "report.html").string());
}

void RunRecord::in_background(std::function<void()> job) {
  writer_.submit([this, job = std::move(job)] {
    const auto begun = std::chrono::steady_clock::now();
    job();
    background_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  });
}

}  // namespace dcgan_mnist
