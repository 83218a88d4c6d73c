/** What a layer has had, an image has for ever: a secret that a later layer deletes. */
import { defineExercise } from '../../../exercise.ts';

export default defineExercise({
  async setup(stage) {
    const nonce = stage.nonce();
    await stage.sh(
      `mkdir -p /root/image /tmp/l1/srv /tmp/l2/srv /tmp/l3/srv && cd /tmp
       echo 'print("hello")' > l1/srv/app.py
       echo "token=$NONCE" > l2/srv/.credentials; head -c 300000 /dev/urandom > l2/srv/data
       touch l3/srv/.wh..credentials; echo 'print("hello, world")' > l3/srv/app.py
       for n in 1 2 3; do tar -C l$n -cf /root/image/layer$n.tar .; done
       rm -rf l1 l2 l3`,
      { NONCE: nonce },
    );
    return { nonce };
  },
  conditions: [
    {
      id: 'token',
      says: { en: 'Your answer is the token that the image was to have no more', ja: '答えが、イメージからもう消えているはずのトークンと一致する' },
      check: (look) => ({
        ok: look.answer?.replace(/^token=/, '') === look.facts['nonce'],
        found: look.answer ?? { en: 'no answer yet', ja: 'まだ答えがない' },
      }),
    },
  ],
});
