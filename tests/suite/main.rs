//! The one test binary. [`house`] builds a sealed world; every other file is about one promise or one command.
#![cfg(test)]

mod house;
mod main_path;
mod people;
mod refusals;
mod seals;
mod storefront;
mod tidy;
