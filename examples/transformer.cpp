// A transformer that draws binary digits pixel by pixel, all of it: a causal transformer over the 28 rows, and for each
// row a smaller one over its 28 pixels (after Yu et al., "MEGABYTE", 2023).
//   g++ -std=c++20 -O2 -I include examples/transformer.cpp -pthread
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <tinygan/tinygan.hpp>

using namespace tinygan;

constexpr index_t side = 28, view = 4, row_width = 128,
                  pixel_width = 32;  // a row is seen beside the `view` rows above it

/// Appends `count` pre-norm blocks of causal attention (Vaswani et al. 2017; Radford et al. 2019).
void add_blocks(nn::Sequential<>& model, int count, index_t C, index_t heads) {
  for (int i = 0; i < count; ++i) {
    model.add(nn::Residual(nn::LayerNorm(C), nn::MultiHeadAttention(C, heads, {.causal = true})));
    model.add(nn::Residual(nn::LayerNorm(C), nn::Dense(C, 4 * C), nn::GELU(), nn::Dense(4 * C, C)));
  }
  model.add(nn::LayerNorm(C));
}

struct Transformer : nn::Module<> {
  nn::Conv2D<>& above;
  nn::Dense<>& left;
  nn::Sequential<>&rows, &pixels;

  Transformer()
      : above(add_module("above", nn::Conv2D(1, pixel_width, {.kernel = {view, 7}}))),
        left(add_module("left", nn::Dense(1, pixel_width))),
        rows(add_module(
            "rows", nn::Sequential(nn::Dense(side * pixel_width, row_width), nn::PositionEmbedding(side, row_width)))),
        pixels(add_module("pixels", nn::Sequential(nn::PositionEmbedding(side, pixel_width)))) {
    add_blocks(rows, 4, row_width, 4);
    rows.add(nn::Dense(row_width, side * pixel_width));
    add_blocks(pixels, 1, pixel_width, 2);
    pixels.add(nn::Dense(pixel_width, 1));
  }

  /// Of each row (N,R,28,C) what the rows above it say; x(N,view+R-1,28,1) begins with `view` rows of zeros.
  Variable<float> context(const Variable<float>& x) {
    const Variable<float> seen = above(ops::pad(x, 2, 3, 3));
    const index_t N = seen.shape()[0], R = seen.shape()[1];
    return seen + ops::reshape(rows(ops::reshape(seen, {N, R, side * pixel_width})), seen.shape());
  }
  /// Logits (N,L,1) of the first L pixels of rows, from their context (N,L,C) and the pixel to the left (N,L,1).
  Variable<float> logits(const Variable<float>& context, const Variable<float>& pixel) {
    return pixels(context + left(pixel));
  }

  /// Minus ln p(x) in nats, mean over images x(N,28,28,1) of zeros and ones.
  Variable<float> loss(const Variable<float>& x) {
    const index_t N = x.shape()[0];
    const Variable<float> c = context(ops::slice(ops::pad(x, 1, view, 0), 1, 0, view + side - 1));
    const Variable<float> pixel = ops::slice(ops::pad(x, 2, 1, 0), 2, 0, side);
    const Variable<float> y =
        logits(ops::reshape(c, {N * side, side, pixel_width}), ops::reshape(pixel, {N * side, side, 1}));
    return nn::bce_with_logits(y, ops::reshape(x, y.shape()), nn::Reduction::sum) / static_cast<double>(N);
  }

  /// N images (N,28,28,1), each pixel drawn given those before it.
  Tensor<float> sample(index_t N, Generator& random) {
    const NoGrad no_grad;
    Variable<float> x = Tensor<float>::zeros({N, view, side, 1});
    for (index_t r = 0; r < side; ++r) {
      const Variable<float> c = ops::reshape(ops::slice(context(x), 1, r, r + 1), {N, side, pixel_width});
      Variable<float> row = Tensor<float>::zeros({N, 1, 1});  // and the pixel before the first
      for (index_t i = 0; i < side; ++i) {
        const Variable<float> y = ops::slice(logits(ops::slice(c, 1, 0, i + 1), row), 1, i, i + 1);
        row = ops::concat<float>({row, ops::greater(ops::sigmoid(y), random_uniform<float>(y.shape(), random))}, 1);
      }
      x = ops::concat<float>({x, ops::reshape(ops::slice(row, 1, 1, side + 1), {N, 1, side, 1})}, 1);
    }
    return ops::slice(x, 1, view, view + side).value();
  }
};

/// Pixels in [0, 1] as probabilities of a one: new binary images each time.
Variable<float> binarised(const Tensor<float>& images, Generator& random) {
  return ops::greater(Variable<float>(images), random_uniform<float>(images.shape(), random, 0, 1));
}

// transformer [STEPS [MNIST FOLDER [SAMPLES.npz [COUNT]]]]: without a folder, on digits that it draws
int main(int argc, char** argv) try {
  const index_t count = argc > 4 ? std::atoi(argv[4]) : 10000;
  const bool files = argc > 2;
  const data::ImageDataset train = files ? data::load_mnist(argv[2], data::Split::train) : data::stroke_digits(6000, 1),
                           test = files ? data::load_mnist(argv[2], data::Split::test) : data::stroke_digits(1000, 2);
  data::DataLoader loader(train, {.batch_size = 64}), held_out(test, {.batch_size = 100, .shuffle = false});
  const int steps = argc > 1 ? std::atoi(argv[1]) : 1000, shown = 20;
  Generator random(0);
  Transformer model;
  const RateSchedule schedule = optim::cosine_schedule({.end = static_cast<double>(steps), .warmup = steps * 0.05});
  optim::AdamW adam(model.parameters(), {.learning_rate = 3e-3, .beta2 = 0.99, .schedule = schedule});

  double sum = 0;
  for (int step = 1; step <= steps; ++step) {
    random.next_step();
    const Variable<float> loss = model.loss(binarised(loader.next(0, 1), random));
    adam.step(optim::clip_by_global_norm(grad(loss, adam.parameters()), 1).first);
    sum += static_cast<double>(loss.item());
    if (step % shown != 0) continue;
    std::printf("step %5d  %.2f nats an image\n", step, sum / shown);
    std::fflush(stdout);
    sum = 0;
  }
  const NoGrad no_grad;
  sum = 0;
  for (index_t i = 0; i < held_out.per_epoch(); ++i)
    sum += static_cast<double>(model.loss(binarised(held_out.next(0, 1), random)).item());
  std::printf("held out    %.2f nats an image\n", sum / static_cast<double>(held_out.per_epoch()));

  io::save("transformer.safetensors", model);
  data::write_pgm("samples.pgm", model.sample(64, random), 8);
  if (argc <= 3) return 0;
  std::vector<Variable<float>> parts;
  for (index_t n = 0; n < count; n += 100) parts.push_back(model.sample(std::min<index_t>(100, count - n), random));
  io::save_npz(argv[3], {{"images", data::image_bytes(ops::concat(parts, 0).value())}});  // for dcgan_mnist evaluate
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
