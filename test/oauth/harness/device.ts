/** A person at another device: opens a page, confirms the code that stands in it, signs in. */
export async function signInOnDevice(first: string): Promise<void> {
  const cookies = new Map<string, string>();
  const visit = async (url: URL, form?: Readonly<Record<string, string>>) => {
    const response = await fetch(url, {
      redirect: 'manual',
      method: form === undefined ? 'GET' : 'POST',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const to = response.headers.get('location');
    return { to: to === null ? undefined : new URL(to, url), text: await response.text(), url };
  };
  let page = await visit(new URL(first));
  for (let steps = 0; steps < 20; steps++) {
    const prompt = /name="prompt" value="(\w+)"/.exec(page.text)?.[1];
    const action = /<form[^>]*action="([^"]+)"/.exec(page.text)?.[1];
    if (page.to !== undefined) page = await visit(page.to);
    else if (prompt !== undefined)
      page = await visit(page.url, { prompt, login: 'somebody', password: 'any' });
    else if (action !== undefined) {
      const inputs = [...page.text.matchAll(/<input[^>]*name="(\w+)"[^>]*value="([^"]*)"/g)];
      page = await visit(
        new URL(action, page.url),
        Object.fromEntries(inputs.map(([, name = '', value = '']) => [name, value])),
      );
    } else break;
  }
}
