// TINYGAN_FUNC: the specifier of a function that is not a template and is defined at the end of its header. The macro is
// defined where this file sees such definitions: everywhere header-only; with tinygan::compiled in one source of that
// library.
//
// The library emits each as a weak symbol, as a header-only file does: files built either way share functions and their
// statics.
#pragma once

#ifndef TINYGAN_COMPILED
#define TINYGAN_FUNC inline
#elif defined(TINYGAN_COMPILED_SOURCE)
#define TINYGAN_FUNC [[gnu::used]] inline
#endif
