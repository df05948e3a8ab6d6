#include "cli/generate_command.hpp"
#include "weights/interpolate.hpp"

namespace dcgan_mnist {

void add_interpolate_command(CLI::App& app, Dispatch& chosen) {
  const auto o = std::make_shared<InterpolateOptions>();
  CLI::App& c = add_command(app, chosen, "interpolate",
                            "Draw the images between pairs of latent vectors: strips, an animation.", o, &interpolate);
  add_generate_options(c, *o);
  add_value(c, "--from", o->from, any_seed, "Seed of the latent vectors at the beginning").type_name("S");
  add_value(c, "--to", o->to, any_seed, "Seed of the latent vectors at the end").type_name("S");
  add_value(c, "--rows", o->rows, Range<std::int64_t>{1, 500}, "Pairs of latent vectors").type_name("N");
  add_value(c, "--steps", o->steps, Range<std::int64_t>{2, 500}, "Images per pair, both ends included").type_name("N");
  add_value(c, "--way", o->way, OneOf{{"spherical", "linear"}},
            "spherical, which keeps the vectors' length, or linear, which cuts through the middle")
      .type_name("HOW");
  add_value(c, "--truncation", o->truncation, latent_bound,
            "Keep latent numbers within T, as in sample; 0 turns it off")
      .type_name("T");
  add_value(c, "--out", o->out, NonEmpty{}, "A PNG file, a strip per pair; interpolation.png if no output is given")
      .type_name("FILE");
  add_value(c, "--gif", o->gif, NonEmpty{}, "A GIF animation of all pairs, there and back").type_name("FILE");
}

}  // namespace dcgan_mnist
