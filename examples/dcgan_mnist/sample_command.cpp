#include "generate_command.hpp"
#include "sample.hpp"

namespace dcgan_mnist {

void add_sample_command(CLI::App& app, Dispatch& chosen) {
  const auto o = std::make_shared<SampleOptions>();
  CLI::App& c = add_command(app, chosen, "sample",
                            "Draw images from trained weights: a grid, single PNG files, NumPy arrays.", o, &sample);
  add_generate_options(c, *o);
  c.add_option("--count", o->count, "Images to draw")->check(CLI::Range(1, 1000000))->type_name("N");
  c.add_option("--seed", o->seed, "Seed of the latent vectors; the first N images of a seed are always the same")
      ->type_name("S");
  c.add_option("--truncation", o->truncation,
               "Keep latent numbers within T: typical images, fewer kinds (try 1); 0 turns it off")
      ->check(CLI::Range(0.0, 5.0))
      ->type_name("T");
  c.add_option("--out", o->out, "A PNG file of all images in a grid; samples.png if nothing else is asked for")
      ->type_name("FILE");
  c.add_option("--columns", o->columns, "Columns of the grid; 0: as many as rows")
      ->check(CLI::Range(0, 500))
      ->type_name("N");
  c.add_option("--pngs", o->pngs, "A directory for one PNG file per image")->type_name("DIR");
  c.add_option("--npz", o->npz, "A NumPy file: images (N,28,28), bytes, and latents (N,100)")->type_name("FILE");
  c.add_flag("--float", o->floats, "Pixels in the NumPy file as the network gave them, not as bytes");
}

}  // namespace dcgan_mnist
