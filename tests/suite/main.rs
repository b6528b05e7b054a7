//! The one test binary. [`house`] builds a sealed world; every other file is about one promise or one command.
#![cfg(test)]

mod aftermath;
mod attacks;
mod automatic;
mod cases;
mod changes;
mod check;
mod checklist;
mod ci_examples;
mod emergencies;
mod explain;
mod forge;
mod github;
mod histories;
mod house;
mod lockfiles;
mod machines;
mod main_path;
mod matrix;
mod monitor;
mod order;
mod people;
mod promises;
mod quarantine;
mod refusals;
mod rescue;
mod seals;
mod session;
mod shallow;
mod signoffs;
mod stages;
mod storefront;
mod stories;
mod templates;
mod tidy;
