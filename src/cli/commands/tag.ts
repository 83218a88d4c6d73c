/** `hako tag`: another name for an image. */
import { post, segment } from '../client.ts';
import { defineCommand } from '../command.ts';
import { splitReference } from '../image-name.ts';

export const command = defineCommand({
  usage: ['SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]'],
  count: [2, 2],
  completes: ['image', 'image'],
  flags: {},
  async run({ args: [source = '', target = ''] }) {
    const { repository, tag } = splitReference(target);
    await post(`/images/${segment(source)}/tag`, { repo: repository, tag });
  },
});
