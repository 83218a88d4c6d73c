/** Names for containers that were given none: an adjective and an animal, since everything in an ark comes aboard with a name. */
import { randomInt } from 'node:crypto';

const adjectives = words(`
  able agile airy alert amber ample arctic awake balmy bold brave breezy brief bright brisk calm candid careful cheerful chilly clear clever coastal
  cosy crisp curious daring dapper deft dewy eager early earnest easy fair fancy fearless festive fleet fluffy fond frank fresh frosty gallant gentle
  glad golden graceful grand happy hardy hearty hopeful humble jolly keen kind lively loyal lucid lucky lunar mellow merry mighty misty modest neat
  nimble noble patient placid playful plucky polite proud quick quiet rapid ready robust rosy rugged sandy serene sharp silent silver simple sincere
  sleepy smooth snowy snug solar solid spry stable steady stout sturdy sunny swift tender tidy tranquil trusty upbeat vivid warm wary wise witty zesty
`);

const animals = words(`
  albatross alpaca ant antelope armadillo badger bat bear beaver bee beetle bison boar buffalo bumblebee camel carp cat chameleon cheetah chipmunk
  cicada cormorant cow crab crane cricket crow deer dog dolphin donkey dormouse dove dragonfly duck eagle eel egret elephant elk falcon ferret finch
  firefly flamingo fox frog gazelle gecko gibbon giraffe goat goose grebe gull hamster hare hawk hedgehog heron hippo horse hyena ibex ibis iguana
  jackal jay jellyfish kangaroo kingfisher kiwi koala ladybird lark lemur leopard lion lizard llama lobster lynx magpie manatee marmot marten mole
  mongoose moose moth mouse mule newt nightingale octopus okapi orca oriole ostrich otter owl ox oyster panda pangolin panther parrot partridge pelican
  penguin pheasant pig pigeon plover pony porcupine puffin quail rabbit raccoon ram raven reindeer rhino robin rooster salamander salmon sandpiper
  seahorse seal serval sheep shrew skylark sloth snail sparrow squid squirrel starfish starling stork swallow swan tapir tern thrush tiger toad tortoise
  toucan trout turtle viper vole wagtail walrus weasel whale wolf wombat woodpecker wren yak zebra
`);

const pick = (list: readonly string[]): string => list[randomInt(list.length)]!;

/** A name such as `brave_otter`. */
export const randomName = (): string => `${pick(adjectives)}_${pick(animals)}`;

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
