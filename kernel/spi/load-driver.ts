/** An optional package is not installed. The message says which and how to get it. */
export class MissingDriver extends Error {
  override readonly name = "MissingDriver";
}

/**
 * Loads a package that a plugin needs only when it is used.
 * @param by the plugin, for example `registry/redis`
 * @param load `() => import("redis")`, written out so that bundlers and runtimes see it
 */
export async function loadDriver<T>(by: string, packageName: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") throw cause;
    throw new MissingDriver(`${by} needs the package ${packageName}: npm install ${packageName}`, { cause });
  }
}
