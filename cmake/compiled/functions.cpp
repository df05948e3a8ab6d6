// The functions that are not templates, which files that define TINYGAN_COMPILED see only declared.
#define TINYGAN_COMPILED_SOURCE
#include <tinygan/cpu/conv_winograd.hpp>
#include <tinygan/eval/evaluator.hpp>
#include <tinygan/eval/modes.hpp>
#include <tinygan/io/event_file.hpp>
#include <tinygan/io/npz.hpp>
#include <tinygan/io/npz_reader.hpp>
#include <tinygan/profile/profile.hpp>
#include <tinygan/tinygan.hpp>
