#include "generate_command.hpp"
#include "interpolate.hpp"

namespace dcgan_mnist {

void add_interpolate_command(CLI::App& app, Dispatch& chosen) {
  const auto o = std::make_shared<InterpolateOptions>();
  CLI::App& c = add_command(app, chosen, "interpolate",
                            "Draw the images between pairs of latent vectors: strips, an animation.", o, &interpolate);
  add_generate_options(c, *o);
  c.add_option("--from", o->from, "Seed of the latent vectors at the beginning")->type_name("S");
  c.add_option("--to", o->to, "Seed of the latent vectors at the end")->type_name("S");
  c.add_option("--rows", o->rows, "Pairs of latent vectors")->check(CLI::Range(1, 500))->type_name("N");
  c.add_option("--steps", o->steps, "Images per pair, both ends included")->check(CLI::Range(2, 500))->type_name("N");
  c.add_option("--way", o->way, "spherical, which keeps the vectors' length, or linear, which cuts through the middle")
      ->check(CLI::IsMember({"spherical", "linear"}))
      ->type_name("HOW");
  c.add_option("--truncation", o->truncation, "Keep latent numbers within T, as in sample; 0 turns it off")
      ->check(CLI::Range(0.0, 5.0))
      ->type_name("T");
  c.add_option("--out", o->out, "A PNG file, a strip per pair; interpolation.png if nothing else is asked for")
      ->type_name("FILE");
  c.add_option("--gif", o->gif, "A GIF animation of all pairs, there and back")->type_name("FILE");
}

}  // namespace dcgan_mnist
