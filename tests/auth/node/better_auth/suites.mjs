// The suites that the package publishes.
import * as suites from "@better-auth/test-utils/adapter";

console.log(JSON.stringify(Object.keys(suites).filter((name) => name.endsWith("TestSuite"))));
