import { invalid } from './errors.ts';

/** Docker's rule for container names: at least two characters. */
const rule = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** Takes one leading slash off and checks the rest. @throws invalid in Docker's words. */
export function checkName(given: string): string {
  const name = given.startsWith('/') ? given.slice(1) : given;
  if (!rule.test(name)) {
    throw invalid(`Invalid container name (${given}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
  return name;
}

/**
 * A name in Docker's manner: an adjective and the surname of somebody who made computing, science or the sea better known.
 * @param pick a random whole number below its argument.
 */
export function randomName(pick: (below: number) => number, options: { numbered: boolean }): string {
  const name = `${adjectives[pick(adjectives.length)] ?? 'calm'}_${surnames[pick(surnames.length)] ?? 'hopper'}`;
  return options.numbered ? `${name}${pick(10)}` : name;
}

const adjectives =
  'agile amber ample apt astute balmy bold brave breezy brisk bright calm candid careful cheerful civil clear clever cosy crisp curious dapper daring deft devoted eager earnest easy elated epic fair faithful fearless festive fluent fond frank free fresh gentle gifted glad golden graceful grand grateful handy happy hardy hearty helpful honest hopeful humble jaunty jolly jovial keen kind lively loyal lucid lucky mellow merry mighty mindful modest neat nimble noble patient peaceful placid playful polite prompt proud quaint quick quiet rapid ready robust rosy serene sharp shiny silent sincere sleek smart snug solid spry stable steady stoic sunny swift tender tidy tranquil trim trusty upbeat valiant vivid warm wise witty zesty'.split(
    ' ',
  );

const surnames =
  'abel ampere archimedes babbage banach bardeen bell berners bernoulli bohr boole borg bose boyle brahe brown carson cauchy cerf clarke cook cori curie darwin davies descartes diffie dijkstra dirac earhart easley einstein elion engelbart erdos euclid euler faraday fermat fermi feynman fourier franklin galileo galois gauss germain godel goldberg goodall hamilton hawking heisenberg hellman hertz hilbert hodgkin hopper huygens hypatia jang jepsen joliot kalman kare keller kepler khayyam kilby knuth kovalevskaya lagrange lamarr lamport laplace leavitt leibniz liskov lovelace lumiere magellan maxwell mayer mccarthy mcclintock meitner mendel merkle mirzakhani moore morse nash naur newton nightingale nobel noether pare pascal pasteur payne perlman pike planck poincare ptolemy ramanujan ride ritchie rubin sammet shannon shaw shockley sinoussi snyder spence stallman stonebraker swanson tesla tharp thompson torvalds tu turing villani volta wescoff wiles williams wing wozniak wright yalow yonath'.split(
    ' ',
  );
