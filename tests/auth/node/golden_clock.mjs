// Puts the clock back: the libraries read it wherever they like.
const RealDate = Date;

export function setClock(secondsAgo) {
  globalThis.Date = class extends RealDate {
    constructor(...given) {
      if (given.length === 0) super(RealDate.now() - secondsAgo * 1000);
      else super(...given);
    }
    static now() {
      return RealDate.now() - secondsAgo * 1000;
    }
  };
}
