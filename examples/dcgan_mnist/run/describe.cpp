#include "run/describe.hpp"

#include <sys/utsname.h>

#include <cmath>
#include <ctime>
#include <filesystem>

#include <tinygan/cpu/isa.hpp>
#include <tinygan/cpu/thread_pool.hpp>

#include "base/build_info.hpp"
#include "base/byte_text.hpp"
#include "base/numbers.hpp"

namespace dcgan_mnist {

using nlohmann::ordered_json;
using tinygan::index_t;

namespace {

/// Training of both networks, the average of the weights, and the data set twice, once of them on the device.
double memory_estimate_mib(const RunParts& run) {
  const tinygan::nn::ModelSummary &g = run.networks.generator, &d = run.networks.discriminator;
  const auto average = static_cast<std::size_t>(run.options.ema > 0 ? g.parameters : 0) * sizeof(float);
  return static_cast<double>(g.training_bytes() + d.training_bytes() + average + 2 * run.images.images.size()) /
         (1 << 20);
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

const char* isa() { return tinygan::cpu::isa_name(tinygan::cpu::isa()); }

}  // namespace

std::string describe_run(const RunParts& run) {
  const TrainOptions& o = run.options;
  const std::string commit = source_commit();
  return tinygan::text("options ", to_json(o).dump(), "\ntinygan ", library_version(), commit.empty() ? "" : " ",
                       commit, ", ", compiler(), ", ", build_type(), optimised() ? "" : " (NOT OPTIMISED)", "\ndevice ",
                       run.device, ", cpu ", isa(), ", threads ", tinygan::cpu::threads(), ", precision ", o.precision,
                       ", seed ", o.seed, "\ndata ", run.images.source, ": ", run.images.count, " images of ",
                       run.images.extents(), ", md5 ", run.images.images_md5, "\n\ngenerator\n",
                       run.networks.generator.text(), "\ndiscriminator\n", run.networks.discriminator.text(),
                       "\nmemory about ", std::llround(memory_estimate_mib(run)), " MiB, ", run.steps, " steps, ",
                       run.steps_per_epoch, " per epoch");
}

std::string describe_time(double all, double paused, double background) {
  return tinygan::text("time ", fixed(all, 1), " s, of which grids, checkpoints and evaluations ", fixed(paused, 2),
                       " s (", fixed(all > 0 ? 100 * paused / all : 0, 2), " %), ", fixed(background, 2),
                       " s more beside training");
}

ordered_json describe_environment(const RunParts& run) {
  utsname system{};
  uname(&system);
  std::error_code ignored;
  const std::filesystem::path source(run.images.source);
  const bool folder = std::filesystem::is_directory(source, ignored);
  return {
      {"tinygan", library_version()},
      {"commit", source_commit()},
      {"compiler", compiler()},
      {"build_type", build_type()},
      {"optimised", optimised()},
      {"cpu", isa()},
      {"device", tinygan::text(run.device)},
      {"precision", run.options.precision},
      {"threads", tinygan::cpu::threads()},
      {"host", system.nodename},
      {"system", tinygan::text(system.sysname, ' ', system.release, ' ', system.machine)},
      {"date", utc_now()},
      {"data",
       {{"source", encode_path(folder ? std::filesystem::absolute(source, ignored).lexically_normal().string()
                                      : run.images.source)},
        {"images", run.images.count},
        {"bytes", run.images.images.size()},
        {"md5", run.images.images_md5}}},
      {"parameters",
       {{"generator", run.networks.generator.parameters}, {"discriminator", run.networks.discriminator.parameters}}},
      {"command", command_of(run.options)}};
}

}  // namespace dcgan_mnist
