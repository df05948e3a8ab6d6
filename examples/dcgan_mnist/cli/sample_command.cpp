#include "cli/generate_command.hpp"
#include "weights/sample.hpp"

namespace dcgan_mnist {

void add_sample_command(CLI::App& app, Dispatch& chosen) {
  const auto o = std::make_shared<SampleOptions>();
  CLI::App& c = add_command(app, chosen, "sample",
                            "Draw images from trained weights: a grid, single PNG files, NumPy arrays.", o, &sample);
  c.final_callback([&chosen, o] {
    if (const std::string wrong = validation_error(*o); !wrong.empty()) throw CLI::ValidationError("sample", wrong);
    chosen = [o] { return sample(*o); };
  });
  add_generate_options(c, *o);
  add_value(c, "--count", o->count, Range<std::int64_t>{1, 1000000}, "Images to draw").type_name("N");
  add_value(c, "--seed", o->seed, any_seed,
            "Seed of the latent vectors; the first N images of a seed are always the same")
      .type_name("S");
  add_value(c, "--truncation", o->truncation, latent_bound,
            "Keep latent numbers within T: typical images, fewer kinds (try 1); 0 turns it off")
      .type_name("T");
  add_value(c, "--out", o->out, NonEmpty{}, "A PNG file of all images in a grid; samples.png if no output is given")
      .type_name("FILE");
  add_value(c, "--columns", o->columns, Range<int>{0, 500}, "Columns of the grid; 0: as many as rows").type_name("N");
  add_value(c, "--pngs", o->pngs, NonEmpty{}, "A directory for one PNG file per image").type_name("DIR");
  CLI::Option& npz = add_value(c, "--npz", o->npz, NonEmpty{},
                               "A NumPy file: images (N,H,W), or (N,H,W,3) of RGB, bytes, and latents (N,100)");
  npz.type_name("FILE");
  add_value(c, "--float", o->floats, Flag{}, "Pixels in the NumPy file as the network gave them, not as bytes")
      .needs(&npz);
}

}  // namespace dcgan_mnist
